"""Who is here: accounts, what their roles allow, their tokens, and the log of what was done."""
