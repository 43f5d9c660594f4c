"""A bundle's answers on documents that it did not learn from, in the form that is analysed."""

from collections.abc import Sequence

import numpy as np

from thce.errors import InputError
from thce.files import read_json
from thce.ner.analysis_results import Fold, Split
from thce.ner.corpus import read_corpus
from thce.ner.documents import Document
from thce.ner.evaluate import mapped
from thce.ner.predictor import Answer, Predictor
from thce.ner.projection import project
from thce.ner.splits import in_split
from thce.ner.token_table import Tokens
from thce.registry.splits import TEST, TRAIN, VAL


def judge_fold(
    predictor: Predictor,
    documents: Sequence[Document],
    test_documents: Sequence[Document] | None = None,
) -> Fold:
    """What a bundle says of its validation and test documents.

    Args:
        predictor: the bundle.
        documents: those of its training, of all splits.
        test_documents: documents that training never saw, to judge on instead of the test split.

    Raises:
        InputError: none of the documents is of its validation or test split, or a document to be
            judged on was learned from.
    """
    assignment = assignment_of(predictor)
    if test_documents is None:
        test_documents = in_split(documents, assignment, TEST)
    learned = [one.id for one in test_documents if assignment.get(one.id) in (TRAIN, VAL)]
    if learned:
        raise InputError(
            f"test_input: {learned[0]} was in training or validation of {predictor.bundle.version}"
        )
    validation = in_split(documents, assignment, VAL)
    for name, found in ((VAL, validation), (TEST, test_documents)):
        if not found:
            raise InputError(
                f"input: no document of the {name} split of {predictor.bundle.version}; give the "
                "brat folders of its training"
            )
    return Fold(
        test=judge_split(predictor, test_documents),
        validation=judge_split(predictor, validation),
        trained_on=predictor.tags_file["train_mentions"],
    )


def judge_split(predictor: Predictor, documents: Sequence[Document]) -> Split:
    """What a bundle says of some documents."""
    answers = predictor.predict([one.id for one in documents], [one.text for one in documents])
    return Split(
        documents=documents,
        predictions=[mention for answer in answers for mention in answer.mentions],
        tokens=_tokens(predictor, documents, answers),
    )


def assignment_of(predictor: Predictor) -> dict[str, str]:
    """The split that training dealt each document to."""
    return dict(read_json(predictor.bundle.path("splits.json"))["assignment"])


def documents_of(folders: str | Sequence[str]) -> list[Document]:
    """The documents of brat folders.

    Raises:
        InputError: a file is wrong.
    """
    return read_corpus(folders).documents


def _tokens(
    predictor: Predictor, documents: Sequence[Document], answers: Sequence[Answer]
) -> Tokens:
    tags = predictor.tags
    spans = [span for answer in answers for span in answer.encoded.words.spans]
    gold = [tag for one in documents for tag in project(mapped(one, predictor)).tags]
    words = [len(answer.encoded.words) for answer in answers]
    return Tokens(
        document=np.repeat([one.id for one in documents], words),
        start=np.array([start for start, _ in spans], dtype=np.int64),
        end=np.array([end for _, end in spans], dtype=np.int64),
        gold=np.array([tags.tag2id[tag] for tag in gold], dtype=np.int64),
        predicted=np.concatenate([answer.path for answer in answers]),
        probability=np.concatenate([answer.probabilities for answer in answers]),
        tags=tags.tags,
    )
