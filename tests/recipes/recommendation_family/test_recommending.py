"""What a model of tastes promises."""

import json

import numpy as np
import pandas as pd
import pytest


def test_neighbours_beat_what_is_popular_anyhow(tasted):
    evaluation = tasted.evaluation
    assert evaluation["primary"] == "ndcg_at_10"
    assert evaluation["rows"] > 200
    for name in ("recall_at_10", "ndcg_at_10", "map_at_10", "hit_rate_at_10"):
        assert evaluation["differences"]["baseline"][name]["low"] > 0, name
    assert evaluation["metrics"]["challenger"]["recall_at_10"] > 0.4
    assert evaluation["metrics"]["challenger"]["coverage"] == 1.0
    assert evaluation["differences"]["baseline"]["rmse"]["high"] < 0


def test_everything_the_contract_names_is_in_the_model_folder(tasted):
    files = {p.relative_to(tasted.model).as_posix() for p in tasted.model.rglob("*") if p.is_file()}
    wanted = {"recommender.json", "recommender.npz", "signature.json", "versions.json", "evaluation.json"}
    wanted |= {"golden.jsonl", "card.md", "code/inference.py", "code/recommendation/serving.py"}
    wanted |= {"plots/recall.vl.json", "plots/popularity.vl.json"}
    assert wanted <= files
    assert "recommendation of `what`" in (tasted.model / "card.md").read_text()
    curve = json.loads((tasted.model / "plots" / "recall.vl.json").read_text())["data"]["values"]
    recall = [value["recall"] for value in curve if value["who"] == "challenger"]
    assert recall == sorted(recall)
    assert recall[9] == pytest.approx(tasted.evaluation["metrics"]["challenger"]["recall_at_10"], abs=1e-3)


def test_the_same_job_makes_the_same_bytes(taste_job, tasted):
    again = taste_job()
    assert again.run() == 0
    for name in ("recommender.json", "recommender.npz", "evaluation.json", "golden.jsonl"):
        assert (again.model / name).read_bytes() == (tasted.model / name).read_bytes(), name


def test_nothing_seen_is_recommended_unless_that_is_asked_for(tasted, ask_tastes, tastes):
    train = tastes()[: int(300 * 14 * 0.8)]
    seen = train.groupby("who")["what"].agg(set)
    records = [{"user": user, "k": 60} for user in seen.index]
    for user, answer in zip(
        seen.index, ask_tastes({"records": records}).get_json()["predictions"], strict=True
    ):
        items = [found["item"] for found in answer["items"]]
        assert not seen[user] & set(items)
        assert len(items) == len(set(items)) == 60 - len(seen[user])
    again = [{"user": seen.index[0], "k": 60, "exclude_seen": False}]
    items = {found["item"] for found in ask_tastes({"records": again}).get_json()["predictions"][0]["items"]}
    assert items >= seen.iloc[0]


def test_a_stranger_gets_what_is_popular_and_with_some_items_what_goes_with_them(ask_tastes, tastes):
    train = tastes()[: int(300 * 14 * 0.8)]
    popular = train.groupby("what")["who"].nunique()
    records = [{"user": "nobody"}, {"k": 10}, {"items": [0, 3, 6], "k": 10}, {"user": "nobody", "items": []}]
    first, second, given, nothing = ask_tastes({"records": records}).get_json()["predictions"]
    assert first == second == nothing
    assert [popular[found["item"]] for found in first["items"]] == popular.nlargest(10).tolist()
    circle = [found["item"] % 3 for found in given["items"]]
    assert circle.count(0) >= 9
    assert not {0, 3, 6} & {found["item"] for found in given["items"]}


def test_golden_rows_come_out_the_same_through_every_format_and_batch(tasted, ask_tastes):
    golden = [json.loads(line) for line in (tasted.model / "golden.jsonl").read_text().splitlines()]
    records, expected = [g["record"] for g in golden], [g["prediction"] for g in golden]
    assert len(golden) == 20
    assert ask_tastes({"records": records}).get_json()["predictions"] == expected
    for place in (0, 18, 19):
        assert ask_tastes({"records": records[place : place + 1]}).get_json()["predictions"] == [
            expected[place]
        ]
    body = "user,k\n" + "".join(f"{record['user']},10\n" for record in records[:3])
    assert ask_tastes(body, "text/csv").get_json()["predictions"] == expected[:3]
    table = ask_tastes(body, "text/csv", "text/csv").get_data(as_text=True).splitlines()
    assert table[0] == "record,rank,item,score,rating"
    assert len(table) == 31


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"user": 7}, "7 is not a string"),
        ({"user": "u001", "k": 0}, "k is 0; 1 to 100"),
        ({"user": "u001", "k": 101}, "k is 101"),
        ({"user": "u001", "exclude_seen": "no"}, "true or false"),
        ({"items": "abc"}, "a list of at most 1000"),
        ({"items": [1, "b"]}, "each a whole number"),
        ({"who": "u001"}, "none of the model's fields"),
    ],
)
def test_what_cannot_be_answered_is_400_with_a_sentence(ask_tastes, record, sentence):
    response = ask_tastes({"records": [record]})
    assert response.status_code == 400
    assert sentence in response.get_json()["error"]


def test_without_ratings_what_happened_is_all_that_counts(taste_job, tastes):
    frame = tastes()
    kinds = {"who": "string", "what": "integer"}
    mixed = frame.sample(frac=1.0, random_state=3)[["who", "what"]]
    sides = [mixed[:2800], mixed[2800:3300], mixed[3300:]]
    job = taste_job(
        sides, kinds=kinds, time=None, split={"by": "hash"}, task_options={"user": "who", "item": "what"}
    )
    assert job.run() == 0
    metrics = job.evaluation["metrics"]
    assert "rmse" not in metrics["challenger"]
    assert metrics["challenger"]["ndcg_at_10"] > metrics["baseline"]["ndcg_at_10"] + 0.1
    golden = json.loads((job.model / "golden.jsonl").read_text().splitlines()[0])
    assert set(golden["prediction"]["items"][0]) == {"item", "score"}


def test_the_champion_recommends_to_the_same_users_from_its_own_tarball(taste_job, tastes, tmp_path):
    frame = tastes()
    old = taste_job([frame[:1500], frame[1500:1700], frame[1700:2400]])
    assert old.run() == 0
    champion = {"version": "v1", "trained_through": old.evaluation["trained_through"]}
    new = taste_job(None, old.pack(tmp_path / "model.tar.gz"), champion=champion)
    assert new.run() == 0
    evaluation = new.evaluation
    assert evaluation["champion_error"] is None
    # The newer model knows more of everybody's taste.
    assert evaluation["differences"]["champion"]["ndcg_at_10"]["low"] > 0
    assert evaluation["metrics"]["champion"]["ndcg_at_10"] > evaluation["metrics"]["baseline"]["ndcg_at_10"]


def test_a_champion_of_other_items_is_not_compared(taste_job, tastes, tmp_path):
    frame = tastes()
    old = taste_job(
        [
            side.assign(what=side["what"].astype(str))
            for side in (frame[:1500], frame[1500:1700], frame[1700:])
        ],
        kinds={"who": "string", "what": "string", "at": "datetime", "stars": "number"},
    )
    assert old.run() == 0
    new = taste_job(None, old.pack(tmp_path / "model.tar.gz"), champion={"version": "v1"})
    assert new.run() == 0
    assert "items are string, now they are integer" in new.evaluation["champion_error"]


@pytest.mark.parametrize("preset", ["good", "best"])
def test_more_candidates_are_tried_by_what_validation_says(taste_job, tasted, preset):
    job = taste_job(preset=preset)
    assert job.run() == 0
    own, fast = (j.evaluation["metrics"]["challenger"]["ndcg_at_10"] for j in (job, tasted))
    assert own > fast - 0.02


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task_options": {"user": "whom", "item": "what"}}, "The user column 'whom' is not a column"),
        ({"task_options": {"user": "who", "item": "at"}}, "The item column 'at' is datetime"),
        ({"task_options": {"user": "who", "item": "what", "rating": "at"}}, "The rating column 'at'"),
        ({"params": {"neighbours": 0}}, "whole number from 1 to 1000"),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence(taste_job, changes, sentence):
    job = taste_job(**changes)
    assert job.run() == 1
    assert sentence in job.failure


def test_strangers_missing_names_and_repeated_rows_do_no_harm(taste_job, tastes):
    frame = tastes()
    frame.loc[frame.index % 50 == 0, "who"] = None
    frame.loc[frame.index % 50 == 1, "stars"] = np.nan
    frame = pd.concat([frame, frame[::7]]).sort_values("at", ignore_index=True)
    frame.loc[frame.index[-100:], "who"] = [f"new{n}" for n in range(100)]
    frame.loc[frame.index[-50:], "what"] = 1000 + np.arange(50)
    job = taste_job([frame[:3300], frame[3300:3800], frame[3800:]])
    assert job.run() == 0
    assert job.evaluation["differences"]["baseline"]["ndcg_at_10"]["low"] > 0


def test_ranking_metrics_are_those_of_their_definitions():
    from recommendation.metrics import measures_of
    from recommendation.predictor import Ranking
    from scipy.sparse import csr_matrix
    from sklearn.metrics import ndcg_score

    random = np.random.default_rng(0)
    relevant = random.random((50, 40)) < 0.15
    relevant[:, 0] = True
    order = np.argsort(random.random((50, 40)), axis=1)[:, :10]
    measures = measures_of(Ranking(item=order, score=np.zeros((50, 10))), csr_matrix(relevant * 1.0), 40)
    ones = np.ones(50)
    scores = np.zeros((50, 40))
    np.put_along_axis(scores, order, np.arange(10, 0, -1)[None, :].astype(float), 1)
    assert measures["ndcg_at_10"](ones) == pytest.approx(ndcg_score(relevant, scores, k=10), abs=1e-9)
    hits = np.take_along_axis(relevant, order, 1)
    assert measures["recall_at_10"](ones) == pytest.approx((hits.sum(1) / relevant.sum(1)).mean())
    assert measures["hit_rate_at_10"](ones) == pytest.approx(hits.any(1).mean())
    weights = random.integers(0, 3, 50).astype(float)
    expected = (weights * hits.any(1)).sum() / weights.sum()
    assert measures["hit_rate_at_10"](weights) == pytest.approx(expected)
    precision = [h[: n + 1].mean() for h in hits for n in range(10) if h[n]]
    per_user = np.split(np.array(precision), np.cumsum(hits.sum(1))[:-1])
    wanted = np.minimum(relevant.sum(1), 10)
    expected = np.mean([p.sum() / w for p, w in zip(per_user, wanted, strict=True)])
    assert measures["map_at_10"](ones) == pytest.approx(expected)


def test_many_items_are_compared_in_blocks_of_bounded_memory(monkeypatch):
    from recommendation import neighbours
    from scipy.sparse import random as random_matrix

    taken = random_matrix(500, 300, density=0.05, format="csr", random_state=1)
    taken.data[:] = 1.0
    whole = neighbours.find_neighbours(taken, 20, 5.0)
    monkeypatch.setattr(neighbours, "MOST_CELLS", 7 * 300)
    blocks = neighbours.find_neighbours(taken, 20, 5.0)
    assert abs(whole - blocks).max() < 1e-6
    assert np.diff(whole.indptr).max() <= 20
    assert whole.diagonal().max() == 0


def test_who_took_everything_does_not_make_everything_alike():
    from recommendation.interactions import Interactions, newest

    user = np.repeat([0, 1], [1000, 3])
    item = np.append(np.arange(1000), [5, 6, 7])
    all_of = Interactions(users=("a", "b"), items=tuple(range(1000)), user=user, item=item, rating=None)
    kept = newest(all_of, 10)
    assert np.bincount(kept.user).tolist() == [10, 3]
    assert kept.item[:10].tolist() == list(range(990, 1000))


def test_an_array_that_points_outside_the_model_is_refused(tasted, tmp_path):
    import io

    from recipe.failure import ModelRefusedError
    from recommendation.state import ARRAYS_FILE, IDS_FILE, load

    files = {n: (tasted.model / n).read_bytes() for n in ("signature.json", IDS_FILE, ARRAYS_FILE)}
    with np.load(io.BytesIO(files[ARRAYS_FILE])) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["taken_places"] = arrays["taken_places"] + 60
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    with pytest.raises(ModelRefusedError, match="cannot be read"):
        load({**files, ARRAYS_FILE: out.getvalue()})
    with pytest.raises(ModelRefusedError, match="cannot be read"):
        load({**files, IDS_FILE: b'{"users": [], "items": []}'})
