"""One function per act: what the command line, the portal and the notebooks call."""
