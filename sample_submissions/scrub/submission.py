"""SCRUB: a student disobeys its teacher on the forget set and follows it on the retain set.

The original network is the teacher. The student moves away from its answers on forget
examples (max steps) and towards them on retain examples (min steps), in turns.
Source: Kurmanji et al., "Towards Unbounded Machine Unlearning", 2023.
"""

import copy

import torch
from torch import nn
from torch.nn import functional

ROUNDS = 2
EXTRA_MIN_EPOCHS = 1


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def distance(student, teacher):
    """Return the KL divergence of the teacher's answers from the student's."""
    return functional.kl_div(
        student.log_softmax(1), teacher.log_softmax(1), log_target=True, reduction="batchmean"
    )


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    teacher = copy.deepcopy(net).eval()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    criterion = nn.CrossEntropyLoss()

    def epoch(loader, away):
        net.train()
        for item in loader:
            images, labels = (part.to(device) for part in pair(item))
            with torch.no_grad():
                wanted = teacher(images)
            answers = net(images)
            optimizer.zero_grad()
            if away:
                (-0.5 * distance(answers, wanted)).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            else:
                (criterion(answers, labels) + 0.1 * distance(answers, wanted)).backward()
            optimizer.step()

    for _ in range(ROUNDS):
        epoch(forget, away=True)
        epoch(retain, away=False)
    for _ in range(EXTRA_MIN_EPOCHS):
        epoch(retain, away=False)
    return net
