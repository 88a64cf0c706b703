"""GAN training with the two time-scale update rule, and the Fréchet Inception Distance."""

import os

# Keras 3 runs on several libraries; this package is written for one, whatever the user's keras.json
# says.
os.environ["KERAS_BACKEND"] = "tensorflow"
