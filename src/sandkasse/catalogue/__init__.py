"""The datasets that a site offers: their cards, the store that keeps them, and how each is opened by its contract."""
