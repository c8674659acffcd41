"""Documents in the formats of annotation tools, and back: people correct predictions there, and what comes back is gold.

The hub is the project's own format, JSON lines of `quoteattr.schema.Document`. Label Studio (`quoteattr.convert.label_studio`)
and brat (`quoteattr.convert.brat`) are two ways of writing down the same marks (`quoteattr.convert.marks`); Web Annotation
(`quoteattr.convert.web_annotation`) is for reading elsewhere and has no way back.
"""
