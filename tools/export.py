"""The command `tf-ttur export`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["export", *commands.arguments()])
