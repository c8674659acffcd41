"""Who said what in Arabic news: every quote, its cue, its source and the speaker it comes down to.

>>> from quoteattr import QuoteAttributor
>>> document = QuoteAttributor.rules()("قال وزير الخارجية سامح شكري إن المحادثات ستستأنف غدا.")
>>> document.quotes[0].speaker.name, document.quotes[0].cue.text, document.quotes[0].text
('سامح شكري', 'قال', 'المحادثات ستستأنف غدا')
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quoteattr.attributor import QuoteAttributor
    from quoteattr.lexicon import Lexicon
    from quoteattr.schema import Document, Quote, Span, Speaker

__version__ = "0.1.0"
__all__ = ["Document", "Lexicon", "Quote", "QuoteAttributor", "Span", "Speaker", "__version__"]

if not TYPE_CHECKING:  # a type checker shall see the names above and report any other

    def __getattr__(name):
        """Import a public name when it is first used, so that ``import quoteattr`` costs nothing."""
        homes = {"QuoteAttributor": "attributor", "Lexicon": "lexicon"}
        if name not in __all__:
            raise AttributeError(f"module 'quoteattr' has no attribute {name!r}")
        value = getattr(import_module(f"quoteattr.{homes.get(name, 'schema')}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
