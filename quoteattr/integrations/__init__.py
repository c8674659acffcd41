"""Quotes on engines that spread work over many machines: `quoteattr.integrations.ray` and `quoteattr.integrations.spark`, two
shells over one function of Arrow batches, `quoteattr.integrations.batches`."""
