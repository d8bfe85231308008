"""The three networks of MTCNN: they propose faces, refine them, and place five points.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks (2016),
arXiv 1604.02878. The layout is that of the weights in facenet-pytorch 2.6.0 (MIT). Each takes
(n, 3, height, width), red green blue from -1 to 1, and answers with chances of a face first.
"""

import torch
from torch import Tensor, nn


class ProposalNet(nn.Module):
    """Looks at every 12 × 12 pixels, two pixels apart."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return chances, (n, rows, columns), and shifts of the boxes, (n, 4, rows, columns)."""
        x = self.pool1(self.prelu1(self.conv1(pixels)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_1(x).softmax(dim=1)[:, 1], self.conv4_2(x)


class RefineNet(nn.Module):
    """Looks at crops of 24 × 24 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return chances, (n,), and shifts of the boxes, (n, 4)."""
        x = self.pool1(self.prelu1(self.conv1(pixels)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(x)))))
        return self.dense5_1(x).softmax(dim=1)[:, 1], self.dense5_2(x)


class OutputNet(nn.Module):
    """Looks at crops of 48 × 48 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return chances, (n,), shifts of the boxes, (n, 4), and points, (n, 10), five x before five y."""
        x = self.pool1(self.prelu1(self.conv1(pixels)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        return self.dense6_1(x).softmax(dim=1)[:, 1], self.dense6_2(x), self.dense6_3(x)


class Cascade(nn.Module):
    """The three, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet, self.rnet, self.onet = ProposalNet(), RefineNet(), OutputNet()


def _flat(x: Tensor) -> Tensor:
    """Return (n, width × height × channels): the order of the weights, which came from Matlab."""
    return torch.flatten(x.permute(0, 3, 2, 1), 1)
