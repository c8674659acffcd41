"""The trained weights that ship with the package; installed as ``quoteattr.models``."""
