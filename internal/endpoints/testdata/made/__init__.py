"""A made-up botocore, for the tests of the generator."""

__version__ = '9.8.7'
