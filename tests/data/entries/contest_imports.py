"""Imports what the contest's notebooks import, and attacks itself as the starting kit shows."""

import gc
import logging
import math
import os
import subprocess
from collections import OrderedDict, defaultdict

import numpy as np
import pandas as pd
import scipy.stats
import sklearn
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision
from PIL import Image
from sklearn import linear_model, model_selection
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import resnet18
from torchvision.utils import make_grid

logging.basicConfig(level=logging.INFO)


def losses(net, loader):
    criterion = nn.CrossEntropyLoss(reduction="none")
    with torch.no_grad():
        return torch.cat([criterion(net(b["image"]), b["age_group"]) for b in loader]).numpy()


def unlearning(net, retain, forget, val):
    net.eval()
    seen, unseen = losses(net, forget), losses(net, val)[: len(forget.dataset)]
    samples = np.concatenate([unseen, seen]).reshape(-1, 1)
    members = [0] * len(unseen) + [1] * len(seen)
    splits = model_selection.StratifiedShuffleSplit(n_splits=5, random_state=0)
    attack = linear_model.LogisticRegression()
    scores = model_selection.cross_val_score(attack, samples, members, cv=splits, scoring="accuracy")
    logging.info(pd.DataFrame({"score": scores}).describe())
    augment = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.RandomCrop(8, padding=1)])
    batch = next(iter(retain))
    assert augment(batch["image"]).shape == batch["image"].shape
    Image.fromarray((make_grid(batch["image"]).numpy()[0] * 255).astype(np.uint8)).save("grid.png")
    assert sum(p.numel() for p in resnet18(weights=None, num_classes=10).parameters()) > 1e7
    assert scipy.stats.entropy([0.5, 0.5]) > 0
    gc.collect()
    net.fc.bias.data += 1
