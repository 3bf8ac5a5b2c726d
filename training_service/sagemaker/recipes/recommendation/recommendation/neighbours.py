"""Items that the same users take: cosine similarity with shrinkage, a bounded number of neighbours per item.

Sarwar et al. 2001 and Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms": users who took much
say less about each of their items, and an item's similarities are scaled to sum to one, so that a frequent item does not
win by having many neighbours. Items that few users have in common are shrunk towards no similarity.
"""

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

# How many similarities are held at once, whatever the number of items: about 100 MB.
MOST_CELLS = 8_000_000


def find_neighbours(taken: csr_matrix, most: int, shrinkage: float) -> csr_matrix:
    """Return similarities of shape (items, items), at most that many in a row.

    Parameters
    ----------
    taken
        Ones, of shape (users, items).
    """
    degree = np.maximum(np.asarray(taken.sum(axis=1)).ravel(), 1.0)
    weighted = csr_matrix(diags(1.0 / np.sqrt(degree)) @ taken)
    size = np.asarray(weighted.sum(axis=0)).ravel()
    # In the units of weights, so that a shrinkage of 5 means about 5 users.
    damping = shrinkage * float(weighted.sum() / max(taken.nnz, 1))
    by_item = csr_matrix(taken.T)
    items = taken.shape[1]
    step = max(1, MOST_CELLS // max(items, 1))
    blocks = [
        _block(csr_matrix(by_item[start : start + step] @ weighted), start, size, damping, most)
        for start in range(0, items, step)
    ]
    return csr_matrix(vstack(blocks, format="csr")) if blocks else csr_matrix((0, 0), dtype=np.float32)


def _block(
    common: csr_matrix,
    start: int,
    size: np.ndarray[tuple[int], np.dtype[np.float64]],
    damping: float,
    most: int,
) -> csr_matrix:
    """Return the rows of some items: what they have in common with all, made into their closest neighbours."""
    common.sort_indices()
    rows = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr))
    # An item is no neighbour of itself: it is what was taken already.
    value = np.where(
        common.indices == rows + start,
        0.0,
        common.data / (np.sqrt(size[rows + start] * size[common.indices]) + damping),
    )
    # Highest first within each row, then cut.
    order = np.lexsort((common.indices, -value, rows))
    place = np.arange(len(rows)) - common.indptr[rows]
    kept = order[(place < most) & (value[order] > 0)]
    sums = np.maximum(np.bincount(rows[kept], value[kept], common.shape[0]), 1e-12)
    data = (value[kept] / sums[rows[kept]]).astype(np.float32)
    block = csr_matrix((data, (rows[kept], common.indices[kept])), shape=common.shape)
    block.sort_indices()
    return block
