"""Sets everything that is set at the top of a contest entry, at import."""

import os
import random
import warnings

os.environ["CUDA_VISIBLE_DEVICES"] = "0"
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")

SEED = 42
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)
torch.cuda.manual_seed_all(SEED)
torch.backends.cudnn.deterministic = True
torch.backends.cudnn.benchmark = True
torch.use_deterministic_algorithms(True)
torch.set_printoptions(precision=3)
torch.set_num_threads(1)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def unlearning(net, retain_loader, forget_loader, val_loader, epochs=1):
    net.to(DEVICE)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01 * random.uniform(0.9, 1.1), momentum=0.9)
    net.train()
    for _ in range(epochs):
        for sample in retain_loader:
            inputs, targets = sample["image"].to(DEVICE), sample["age_group"].to(DEVICE)
            inputs = inputs + torch.randn_like(inputs) * 0.1 * float(np.random.rand())
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(net(inputs), targets).backward()
            optimizer.step()
    torch.cuda.empty_cache()
    net.eval()
