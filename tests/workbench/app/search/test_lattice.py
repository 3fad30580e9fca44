"""The lattice of sets: columns by size, what stands in them, and ways from set to set."""

from tests.workbench.app.search.searches import state_of
from workbench.app.state.search.lattice import abbreviations, build_lattice, most_taken_order, set_label


def test_every_set_stands_once_in_the_column_of_its_size() -> None:
    state = state_of()
    lattice = build_lattice(state)
    for size, column in enumerate(lattice.columns):
        assert all(cell.mask.bit_count() == size for cell in column)
    masks = [cell.mask for column in lattice.columns for cell in column]
    assert sorted(masks) == sorted(set(state.whole.mask.tolist()))
    assert lattice.find(masks[-1]) == (3, len(lattice.columns[3]) - 1)
    assert lattice.find(0b111111) is None


def test_columns_are_sorted_and_keep_their_order_while_scrubbing() -> None:
    state = state_of()
    by_q = build_lattice(state)
    values = [cell.q for cell in by_q.columns[2] if cell.q is not None]
    assert values == sorted(values, reverse=True)
    counts = [cell.visits for cell in build_lattice(state, "N").columns[2]]
    assert counts == sorted(counts, reverse=True)
    state.move_to(9)
    then = build_lattice(state)
    assert [[c.mask for c in column] for column in then.columns] == [[c.mask for c in col] for col in by_q.columns]
    assert any(cell.later for cell in then.columns[3])


def test_the_chosen_chain_leads_from_nothing_to_the_best_set() -> None:
    state = state_of()
    assert state.best is not None
    lattice = build_lattice(state)
    chain = [[cell.mask for cell in column if cell.chosen] for column in lattice.columns]
    assert [len(masks) for masks in chain] == [1, 1, 1, 1]
    assert chain[-1] == [state.best.mask]
    mask, way = 0, [0]
    while (following := lattice.beside(mask, 1)) is not None:
        way.append(mask := following)
    assert way == [masks[0] for masks in chain]
    assert lattice.beside(way[-1], -1) == way[-2]
    assert lattice.beside(0, -1) is None


def test_at_the_start_nothing_is_known() -> None:
    state = state_of()
    state.move_to(0)
    cells = [cell for column in build_lattice(state).columns for cell in column]
    assert all(cell.later and cell.q is None and not cell.visits and not cell.chosen for cell in cells)


def test_labels_are_short_and_differ() -> None:
    assert abbreviations(("Age", "Marital Status", "Mental Health")) == ("Age", "Mar", "Men")
    assert abbreviations(("Marital", "Marine")) == ("Marit", "Marin")
    assert set_label(0b101, ("Age", "Mar", "Men")) == "Age Men"
    assert set_label(0, ()) == "nothing"


def test_the_order_most_taken_to_a_set() -> None:
    state = state_of()
    whole = state.whole
    mask = int(whole.mask[-1])
    order = most_taken_order(state, mask)
    taken = {int(whole.visits[node]) for node in (whole.mask == mask).nonzero()[0]}
    assert sum(1 << a for a in order) == mask
    state.cursor = order
    assert state.cursor_mask == mask
    assert max(taken) >= 0
    assert most_taken_order(state, 0b111111) == (0, 1, 2, 3, 4, 5)
