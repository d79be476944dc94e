"""What the health system sees of a life: contacts, tests, codes and prescriptions, with their errors and gaps."""
