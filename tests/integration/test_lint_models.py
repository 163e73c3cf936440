"""SavedModels that TensorFlow writes, read without it; and files that its own parsers take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

import diag
from diag.formats.saved_model.graph import read_graph

pytestmark = pytest.mark.tensorflow

SPEC = tf.TensorSpec
RUN = (
    "tensorflow_model_server --model_base_path=/models/{model} --enable_batching "
    "--batching_parameters_file=/etc/batching.txt --grpc_max_threads=64\n"
)
BATCHING = """max_batch_size { value: 32 }
allowed_batch_sizes: [8, 32]
pad_variable_length_inputs: true  # diag: ignore[padding-repeats-first-element]
"""


def save(folder: Path, function: object, *specs: object, **keep: object) -> Path:
    module = tf.Module()
    for name, value in keep.items():
        setattr(module, name, value)
    module.serve = tf.function(function, input_signature=list(specs))
    version = folder / "1"
    tf.saved_model.save(module, str(version), signatures={"serving_default": module.serve})
    return version


def rules(folder: Path, *, batched: bool = True) -> set[str]:
    paths = [folder]
    if batched:
        run = folder.parent / "run.sh"
        run.write_text(RUN.format(model=folder.name))
        (folder.parent / "batching.txt").write_text(BATCHING)
        paths += [run, folder.parent / "batching.txt"]
    return {problem.finding.id for problem in diag.lint(paths).problems}


def test_a_good_model_lacks_a_warm_up_only(tmp_path):
    save(tmp_path / "m", lambda x: {"y": x * 2.0}, SPEC([None, 4], tf.float32, name="x"))
    assert rules(tmp_path / "m") == {"warmup-missing"}


def test_ops_and_signatures_are_what_tensorflow_reads(tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    version = save(
        tmp_path / "m",
        lambda x, z: {"y": tf.map_fn(lambda row: row + 1.0, x) + z},
        SPEC([None, 4], tf.float32, name="x"),
        SPEC([], tf.float32, name="z"),
    )
    message = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    graph = message.meta_graphs[0]
    stored = {node.op for each in graph.graph_def.library.function for node in each.node_def}
    stored |= {node.op for node in graph.graph_def.node}
    found = read_graph(version / "saved_model.pb")
    assert found.stored_ops == stored
    assert set(found.ops) < stored
    assert found.ops["AddV2"] >= 2
    assert found.loop_ops["AddV2"] >= 1
    # What saves and restores variables is in the graph too, and no signature reaches it.
    assert "SaveV2" in stored
    assert not set(found.ops) & {"SaveV2", "RestoreV2", "StringJoin", "ShardedFilename"}
    (signature,) = found.signatures
    expected = graph.signature_def["serving_default"]
    assert {each.key: each.tensor for each in signature.inputs} == {
        key: info.name for key, info in expected.inputs.items()
    }
    assert {each.key: each.shape for each in signature.inputs} == {"x": (-1, 4), "z": ()}
    assert found.tensorflow == tf.__version__


def test_no_batch_dimension(tmp_path):
    save(tmp_path / "m", lambda x: {"y": x + 1.0}, SPEC([], tf.float32, name="x"))
    assert "no-batch-dimension" in rules(tmp_path / "m")


def test_a_fixed_batch_dimension(tmp_path):
    save(tmp_path / "m", lambda x: {"y": x + 1.0}, SPEC([1, 3], tf.float32, name="x"))
    assert "fixed-batch-dimension" in rules(tmp_path / "m")


def test_ragged_inputs_with_padding(tmp_path):
    save(
        tmp_path / "m",
        lambda x: {"y": tf.reduce_sum(x, axis=1)},
        SPEC([None, None], tf.float32, name="x"),
    )
    assert "ragged-inputs-padded" in rules(tmp_path / "m")
    assert "ragged-inputs-padded" not in rules(tmp_path / "m", batched=False)


def test_python_in_the_graph(tmp_path):
    def serve(x):
        return {"y": tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), [None, 2])}

    save(tmp_path / "m", serve, SPEC([None, 2], tf.float32, name="x"))
    assert "python-op-in-graph" in rules(tmp_path / "m", batched=False)


def test_decoding_row_by_row(tmp_path):
    def serve(images):
        decode = lambda one: tf.image.resize(tf.io.decode_jpeg(one, channels=3), [8, 8])  # noqa: E731
        return {"y": tf.map_fn(decode, images, fn_output_signature=tf.float32)}

    save(tmp_path / "m", serve, SPEC([None], tf.string, name="images"))
    found = rules(tmp_path / "m", batched=False)
    assert {"preprocessing-in-graph", "serial-preprocessing-loop"} <= found


def test_batching_in_the_graph(tmp_path):
    @tf.nondifferentiable_batch_function(1, 8, 1000, allowed_batch_sizes=[4, 8])
    def inner(x):
        return x * 2.0

    save(tmp_path / "m", lambda x: {"y": inner(x)}, SPEC([None, 2], tf.float32, name="x"))
    assert "double-batching" in rules(tmp_path / "m")
    assert "batch-op-refused" not in rules(tmp_path / "m")
    (op,) = read_graph(tmp_path / "m" / "1" / "saved_model.pb").batch_ops
    assert (op.numbers["max_batch_size"], op.sizes) == (8, (4, 8))


def test_compiled_functions_need_a_flag(tmp_path):
    compiled = tf.function(lambda x: x * 2.0 + 1.0, jit_compile=True)
    save(tmp_path / "m", lambda x: {"y": compiled(x)}, SPEC([None, 2], tf.float32, name="x"))
    graph = read_graph(tmp_path / "m" / "1" / "saved_model.pb")
    # A call of a compiled function is marked by an attribute, not by an op of its own.
    assert ("compiled-op-without-flag" in rules(tmp_path / "m")) == bool(graph.compiled_calls)
    assert graph.compiled_calls


def test_tables(tmp_path):
    fill = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
    table = tf.lookup.StaticHashTable(fill, -1)
    save(
        tmp_path / "m",
        lambda x: {"y": table.lookup(x)},
        SPEC([None], tf.string, name="x"),
        table=table,
    )
    assert "table-without-initializer" not in rules(tmp_path / "m")


def test_warm_up_requests_of_each_size(tmp_path):
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    version = save(tmp_path / "m", lambda x: {"y": x}, SPEC([None, 2], tf.float32, name="x"))
    extra = version / "assets.extra"
    extra.mkdir()

    def write(*sizes: int) -> None:
        with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
            for size in sizes:
                request = predict_pb2.PredictRequest()
                request.inputs["x"].CopyFrom(tf.make_tensor_proto([[1.0, 2.0]] * size))
                log = prediction_log_pb2.PredictionLog(
                    predict_log=prediction_log_pb2.PredictLog(request=request)
                )
                writer.write(log.SerializeToString())

    write(1, 8)
    assert rules(tmp_path / "m") == {"warmup-misses-batch-sizes"}
    write(8, 32)
    assert rules(tmp_path / "m") == set()


def test_damaged_models_are_said(tmp_path):
    version = save(tmp_path / "m", lambda x: {"y": x}, SPEC([None, 2], tf.float32, name="x"))
    graph = version / "saved_model.pb"
    data = graph.read_bytes()
    graph.write_bytes(data[: len(data) // 2])
    assert rules(tmp_path / "m", batched=False) == {"config-unreadable"}
    graph.write_bytes(b"")
    assert rules(tmp_path / "m", batched=False) == {"config-unreadable"}


def test_the_article_becomes_files_that_the_servers_messages_take(tmp_path):
    """The widely copied JSON, through the server's own message definitions."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    corpus = Path(__file__).parents[1] / "corpus" / "lint"
    files = diag.corrected_files(diag.lint([corpus / "article-json" / "model_config.json"]))
    config = text_format.Parse(files["models.config"], model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("resnet", "/models/resnet")
    assert model.model_version_policy.latest.num_versions == 2
    given = json.loads((corpus / "article-json" / "model_config.json").read_text())
    wanted = given["model_config_list"][0]["config"]["batching_parameters"]
    assert files["batching_parameters.txt"] == "".join(
        f"{name} {{ value: {wanted[name]} }}\n"
        for name in (
            "max_batch_size",
            "batch_timeout_micros",
            "max_enqueued_batches",
            "num_batch_threads",
        )
    )
    assert "--enable_batching\n" in files["flags.txt"]


@pytest.mark.parametrize(
    "case", sorted(p.name for p in (Path(__file__).parents[1] / "corpus" / "lint").glob("models-*"))
)
def test_lists_of_models_are_judged_as_the_server_parses_them(case):
    """Where the server's parser refuses a list, so does lint, and where it takes it, lint does."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    path = Path(__file__).parents[1] / "corpus" / "lint" / case / "models.config"
    try:
        text_format.Parse(path.read_text(), model_server_config_pb2.ModelServerConfig())
        parses = True
    except text_format.ParseError:
        parses = False
    refused = {"config-unreadable", "model-list-refused", "invented-setting"}
    found = {problem.finding.id for problem in diag.lint([path]).problems}
    assert parses == (not found & refused)
