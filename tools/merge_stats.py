"""The command `tf-ttur merge-stats`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["merge-stats", *commands.arguments()])
