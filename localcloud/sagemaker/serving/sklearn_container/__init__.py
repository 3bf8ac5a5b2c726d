"""The serving contract of AWS's scikit-learn image, as its public source has it, on flask and gunicorn.

Where the image unpickles NPY bodies this does not (sagemaker-scikit-learn-container #266).
"""
