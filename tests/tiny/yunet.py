"""A network in YuNet's layout that takes red for faces, so that it is known what it must find.

A cell of 8, 16 or 32 pixels is a face as far as its mean is red and not blue: with red 255 and blue 0
its score is 0.993, with red 215 it is 0.953, with less than 163 it is under 0.6. The face's box is
`SIDE` cells wide and high about the cell's middle, and `FIVE` are its points, in cells from there.
"""

from math import log

from engines.faces.yunet import FILE, STRIDES_PX

SIDE = 2
FIVE = ((-0.5, -0.4), (0.5, -0.3), (0.1, 0.0), (-0.4, 0.5), (0.3, 0.6))
BIASES = {
    "cls": [-7.75],
    "obj": [-7.75],
    "bbox": [0.5, 0.5, log(SIDE), log(SIDE)],
    "kps": [0.5 + each for point in FIVE for each in point],
}
RED = [-0.05, 0.0, 0.05]  # blue, green, red: OpenCV's order
SIZE_PX = 640  # of the official file; OpenCV takes others


def make(folder):
    """Write it."""
    write(folder / FILE)


def write(path, biases=BIASES):
    """Write a network that answers with those kinds of numbers, which are its last biases."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    nodes, weights, outputs = [], [], []

    def weight(name, values):
        weights.append(numpy_helper.from_array(values, name))
        return name

    def layer(kind, given, made, **settings):
        nodes.append(helper.make_node(kind, given, [made], **settings))
        return made

    for stride in STRIDES_PX:
        square = [stride, stride]
        mean = layer(
            "AveragePool", ["input"], f"mean_{stride}", kernel_shape=square, strides=square
        )
        for kind, last in biases.items():
            name = f"{kind}_{stride}"
            scores = kind in {"cls", "obj"}
            kernel = np.tile(np.float32(RED) * scores, (len(last), 1))[:, :, None, None]
            w, b = weight(f"{name}_w", kernel), weight(f"{name}_b", np.float32(last))
            flat = weight(f"{name}_shape", np.array([1, -1, len(last)]))
            x = layer("Conv", [mean, w, b], f"{name}_map", kernel_shape=[1, 1])
            x = layer("Transpose", [x], f"{name}_cells", perm=[0, 2, 3, 1])
            x = layer("Reshape", [x, flat], f"{name}_flat" if scores else name)
            if scores:
                layer("Sigmoid", [x], name)
            shape = [1, (SIZE_PX // stride) ** 2, len(last)]
            outputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    size = [1, 3, SIZE_PX, SIZE_PX]
    picture = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, size)
    graph = helper.make_graph(nodes, "red", [picture], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
