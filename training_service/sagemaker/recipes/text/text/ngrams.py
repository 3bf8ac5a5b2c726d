"""Words and characters of a text as TF-IDF, for any language.

Characters carry what words cannot: scripts without spaces, endings, misspellings. Nothing here knows a
language: there are no stop words, stems or accents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import spmatrix
from sklearn.feature_extraction.text import TfidfVectorizer

# One letter is a word in many languages. What is longer than 40 is none: a link, a number, or a sentence of a script
# without spaces, which the characters cover.
WORD = r"(?u)\b\w{1,40}\b"
type Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Grams:
    """How texts are cut: words in runs of `words`, characters within words in runs of `characters`, at most `most` of each."""

    words: tuple[int, int]
    characters: tuple[int, int]
    most: int


def fit_vectorizers(texts: Texts, grams: Grams) -> Iterator[tuple[str, TfidfVectorizer, spmatrix]]:
    """Yield (kind, fitted vectorizer, its features of the texts); a kind that finds nothing is left out."""
    kinds: dict[str, dict[str, Any]] = {
        "words": {"ngram_range": grams.words, "token_pattern": WORD},
        "characters": {"ngram_range": grams.characters, "analyzer": "char_wb"},
    }
    for kind, options in kinds.items():
        vectorizer = TfidfVectorizer(max_features=grams.most, sublinear_tf=True, dtype=np.float32, **options)
        try:
            features = vectorizer.fit_transform(texts)
        except ValueError:
            # scikit-learn's way to say that there is no term at all.
            continue
        yield kind, freeze(vectorizer), features


def freeze(vectorizer: TfidfVectorizer) -> TfidfVectorizer:
    """Return a vectorizer that answers the same and keeps its terms in one array.

    A pruned dict of 40,000 terms takes skops minutes to write and 12 s to read: one file per position.
    """
    terms = vectorizer.get_feature_names_out().astype(str)
    frozen = TfidfVectorizer(**{**vectorizer.get_params(), "vocabulary": terms, "max_features": None})
    frozen.fixed_vocabulary_ = True
    frozen._tfidf = vectorizer._tfidf
    return frozen
