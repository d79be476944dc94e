"""Who writes it down how: the tables of the Danish registers, from what was observed; no decisions of their own."""
