"""The command `tf-ttur benchmark`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["benchmark", *commands.arguments()])
