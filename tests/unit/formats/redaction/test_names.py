"""Names: what stays, what becomes a pseudonym, and that what is told by a name stays told."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.execution.device_kinds import _kind_of_name
from diag.analysis.execution.op_class import classify
from diag.analysis.loops.layers import stage_of
from diag.formats.redaction.names import PHRASES_MAX, Names
from diag.formats.redaction.pseudonyms import LENGTH, Pseudonyms
from diag.formats.redaction.vocabulary import is_known_name
from diag.formats.trace import event_names as ev
from diag.formats.trace.program import _MARKER

PSEUDONYM = re.compile(
    r"(?:host|model|signature|path|device|[oO]p|name)_[bcfgjkmnqrvwxz2-9]{10,20}"
)
SALT = b"0123456789abcdef"


def make() -> Names:
    return Names(Pseudonyms(SALT))


@pytest.mark.parametrize(
    "name",
    [
        "BatchingSessionRun",
        "ExecutorState::Process",
        "MatMul:MatMul",
        "StatefulPartitionedCall/MatMul_1/ReadVariableOp:ReadVariableOp",
        "while/body/_1/DecodeJpeg:DecodeJpeg",
        "Iterator::Root::Prefetch::ParallelMapV2",
        "EagerLocalExecute: __inference_train_step_123",
        "IteratorGetNextOp::DoCompute",
        "tf_Compute/-7636070903416768022",
        "model_server_batch_threads_/1664150177255891550",
        "ampere_sgemm_128x64_tn",
        "cutlass_80_tensorop_s1688gemm_128x128_16x4_nn_align4",
        "void tensorflow::BiasAddKernel<float>(int)",
        "loop_add_fusion_3",
        "MemcpyH2D",
        "cuMemcpyHtoDAsync_v2",
        "kind_src:pageable kind_dst:device size:6144 dest:0 async:1",
        "regs:32 static_shared:0 dynamic_shared:0 grid:1,1,1 block:256,1,1 occ_pct:12.5",
        "/device:GPU:0",
        "NVIDIA H100 80GB HBM3",
        "127.0.0.1:8500",
    ],
)
def test_public_names_stay(name):
    assert make().trace(name) == name


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("fraud/dense_1/MatMul:MatMul", "P/P_1/MatMul:MatMul"),
        ("__inference_score_user_42", "__inference_P_42"),
        ("EagerLocalExecute: __inference_<lambda>_62", "EagerLocalExecute: __inference_<P>_62"),
        ("PjitFunction(rank)", "PjitFunction(P)"),
        ("$ranker.py:12 score", "$P.py:12 P"),
        ("x:AcmeDecode", "P:P"),
        ("x:AcmeTokenizeV7", "P:TokenizeP"),
        ("x:AcmeDataset", "P:PDataset"),
        ("x:StringAcme", "P:StringP"),
        ("tf_data_acme/77", "tf_data_P/77"),
        ("x 10.1.2.3:443 y [fe80::1:2]", "P P:443 P [P]"),
        ("on ip-10-77-88-99.ec2.internal", "P P-P.P.internal"),
        ("ip_10_77_88_99", "PP"),
        ("ipv4_10.77.88.99:443", "PP:443"),
        ("aa:bb:00:11:22:33", "P"),
        ("GPU-12345678-1234-1234-1234-123456789012", "GPU-P"),
        ("layer_1_2_3", "layer_1_2_3"),
        ("k8s", "P"),
        ("été", "P"),
    ],
)
def test_other_names_become_pseudonyms_and_keep_their_form(name, shape):
    assert PSEUDONYM.sub("P", make().trace(name)) == shape


def test_equal_names_have_equal_pseudonyms_in_every_place():
    names = make()
    model = names.learn("acme-ranker", "model")
    assert names.trace("acme-ranker:3") == f"{model}:3"
    assert (
        names.message("/srv/models/acme-ranker/3") == names.message("/srv/models/") + f"{model}/3"
    )
    assert names.address("acme-ranker:8500") == f"{model}:8500"


@pytest.mark.parametrize("model", ["kernel", "batch-driver", "fusion_reduce"])
def test_a_model_called_by_a_plain_word_is_hidden(model):
    names = make()
    pseudonym = names.learn(model, "model")
    assert names.trace(f"{model}/dense:MatMul").startswith(f"{pseudonym}/")
    assert names.message(f"the status of {model} is not known").count(pseudonym) == 1


def test_a_model_called_as_an_op_does_not_hide_the_op():
    names = make()
    assert names.learn("MatMul", "model") != "MatMul"
    assert names.trace("x/MatMul:MatMul").endswith("/MatMul:MatMul")
    assert "MatMul" not in names.message("the model MatMul failed")


def test_the_salt_decides_and_two_names_never_share_a_pseudonym():
    first, second = Pseudonyms(SALT), Pseudonyms(b"another salt....")
    assert first.of("acme") == Pseudonyms(SALT).of("acme") != second.of("acme")
    made = {first.of(f"name{i}") for i in range(20_000)}
    assert len(made) == 20_000
    assert {len(each) for each in made} == {len("name_") + LENGTH}


@pytest.mark.parametrize(
    ("address", "shape"),
    [
        ("gpu-7.acme.com:8500", "P:8500"),
        ("ipv4:10.0.0.7:8500", "ipv4:P:8500"),
        ("[2001:db8::1]:8500", "[P]:8500"),
        ("dns:///gpu-7.acme.com:8500", "dns:///P:8500"),
        ("localhost:8500", "localhost:8500"),
        ("127.0.0.1:8500", "127.0.0.1:8500"),
        ("unix:/run/acme.sock", "unix:/run/P.P"),
        ("off", "off"),
    ],
)
def test_addresses_keep_scheme_and_port(address, shape):
    assert PSEUDONYM.sub("P", make().address(address)) == shape


WORDS = st.sampled_from(
    [
        *(
            "String",
            "Tokenize",
            "HashTable",
            "Dataset",
            "DatasetV2",
            "IteratorGetNext",
            "TensorList",
        ),
        *(
            "Apply",
            "Resource",
            "Sparse",
            "Grad",
            "Unicode",
            "_Mkl",
            "Lookup",
            "Acme",
            "Wombat",
            "V2",
        ),
        *("Stack", "ReaderRead", "Memcpy", "HtoD", "Decode", "Jpeg", "cuMemAlloc", "Op", "Produce"),
    ]
)
IDENTIFIER = st.lists(WORDS, min_size=1, max_size=4).map("".join)


@given(IDENTIFIER, IDENTIFIER)
def test_the_class_of_an_op_stays(node, op_type):
    name = f"{node}/x:{op_type}"
    assert classify(make().trace(name)) == classify(name)


@given(IDENTIFIER)
def test_what_marks_a_program_stays(word):
    names = make()
    for name in (word, f"x:{word}", f"EagerLocalExecute: {word}", f"gradient_tape/{word}"):
        before, after = _MARKER.match(name), _MARKER.match(names.trace(name))
        assert (before and before.lastgroup) == (after and after.lastgroup)


@given(IDENTIFIER)
def test_what_a_driver_call_is_stays(word):
    name = make().trace(word)
    for calls in (ev.ALLOCATOR_CALLS, ev.COPY_CALLS, ev.SYNC_CALLS, ev.MODULE_LOAD_CALLS):
        assert name.startswith(calls) == word.startswith(calls)
    if not word.startswith("Memcpy"):
        assert _kind_of_name(name) == _kind_of_name(word)


@given(st.text(st.sampled_from("abdeiklmnoprstuvwy -_PRM"), max_size=30))
def test_the_stage_of_an_annotation_stays(word):
    name = ev.STAGE_ANNOTATION + word
    assert stage_of(make().trace(name)) is stage_of(name)


@given(st.lists(st.text(max_size=12), unique=True, max_size=12))
def test_different_names_stay_different(words):
    names = make()
    assert len({names.trace(word) for word in words}) == len(words)


def test_names_beyond_a_bound_are_hidden_token_by_token_and_take_no_time():
    names = make()
    for i in range(PHRASES_MAX + 500):
        names.learn(f"acme-{i}-ranker", "model")
    told = names.message("the models acme-3-ranker and acme-1400-ranker " * 50)
    assert "acme" not in told
    assert "ranker" not in told


def test_a_text_that_is_too_long_becomes_one_pseudonym():
    assert PSEUDONYM.fullmatch(make().trace("acme " * 100_000))


def test_every_name_that_the_analysis_looks_for_is_known():
    for op in ("BatchFunction", "IteratorGetNext", "_MklMatMul", "ReduceDataset", "EagerPyFunc"):
        assert is_known_name(op)
    for name in (ev.PROCESS_BATCH, ev.EXECUTOR_PROCESS, ev.GRAPH_BUILDING, *ev.CONVERSIONS):
        assert make().trace(name) == name
