"""All commands: python -m tf_ttur COMMAND, which is the same as tf-ttur COMMAND."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main()
