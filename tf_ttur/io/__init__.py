"""Files, archives, messages: everything between the program and its machine."""
