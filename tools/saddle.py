"""The command `tf-ttur saddle`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["saddle", *commands.arguments()])
