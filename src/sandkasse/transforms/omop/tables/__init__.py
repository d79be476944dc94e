"""One module for each OMOP table: a function from the registers to an Ibis expression, with its rules."""
