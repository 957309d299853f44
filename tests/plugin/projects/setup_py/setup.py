"""A sample that configures setuptools in code."""

from setuptools import setup

setup(
    name="app",
    version="1.0",
    py_modules=["app"],
    install_requires=["alpha>=1", "Beta>=2,<3", "winonly; sys_platform == 'nowhere'"],
    extras_require={"own": ["alpha>=1.2"]},
)
