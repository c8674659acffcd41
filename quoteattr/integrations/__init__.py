"""Quotes in the tools of others: `quoteattr.integrations.ray`, `quoteattr.integrations.spark`, `quoteattr.integrations.datasets`,
shells over one function of Arrow batches, `quoteattr.integrations.batches`; `quoteattr.integrations.spacy`, a component."""
