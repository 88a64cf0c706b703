"""Files, archives and messages: the input and output that all other rooms share."""
