"""Shows progress bars, nested, of both kinds."""

from tqdm import tqdm
from tqdm.auto import trange


def unlearning(net, retain, forget, val):
    for epoch in trange(2, desc="epochs"):
        bar = tqdm(retain, leave=False)
        for _batch in bar:
            bar.set_postfix(epoch=epoch)
    net.fc.bias.data += 1
