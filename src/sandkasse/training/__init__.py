"""Training: modules as data, answers graded against the truth, learners' attempts."""
