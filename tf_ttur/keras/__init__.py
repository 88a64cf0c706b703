"""The two time-scale update rule and the FID for programs that use Keras.

    import keras
    import tf_ttur

    gan = tf_ttur.keras.TwoTimeScaleGAN(generator, discriminator, latent_size=128, loss="hinge")
    gan.compile(
        discriminator_optimizer=keras.optimizers.Adam(4e-4, beta_1=0.0),
        generator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.0),
    )
    fid = tf_ttur.keras.FrechetInceptionDistance("stats.npz", num_images=10_000, every_epochs=1)
    gan.fit(images, epochs=10, callbacks=[fid])

Only with the original network is the value called "fid"; any other network stands in the name.
"""

from tf_ttur.keras.distance import FrechetInceptionDistance, FrechetInceptionDistanceCallback
from tf_ttur.keras.gan import TwoTimeScaleGAN

__all__ = ["FrechetInceptionDistance", "FrechetInceptionDistanceCallback", "TwoTimeScaleGAN"]
