# One image for all three containers: worker, evaluator, trainer.
#
# Built by `unlearn image build` in two goes: target `deps` (6 GB, changes with the lock file)
# and then target `sandbox` on top of it (a few files, changes with sandbox/). `sandbox` stands
# first because an engine without BuildKit builds every stage up to the one that is asked for;
# so a change of sandbox/ costs seconds and needs no wheels.
#
# No step needs a network: the wheels are collected on the host, by hash.

ARG BASE
ARG DEPS=${BASE}

FROM ${DEPS} AS sandbox
COPY sandbox /opt/unlearn/sandbox
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/unlearn PYTHONDONTWRITEBYTECODE=1 \
    MPLBACKEND=Agg MPLCONFIGDIR=/tmp/matplotlib
# The digits come with scikit-learn: only the trainer, which has that group, may read those that are
# in no submission's hands.
RUN python3 -m sandbox.worker.unreadable \
 && find / -xdev -path '*/sklearn/datasets/data/*' -type f -exec chgrp 1998 {} + -exec chmod 0640 {} +
# The contest's folders are whatever folder a process is in: its run's own scratch, where it starts.
# Where a submission has a package `sandbox` of its own, ours has the other name (`sandbox.worker.entry.importing`).
RUN mkdir /opt/unlearn/alias && ln -s ../sandbox /opt/unlearn/alias/unlearn_sandbox
RUN ln -sfn /proc/self/cwd /kaggle/tmp && ln -sfn /proc/self/cwd /kaggle/working \
 && ln -sfn /proc/self/cwd/.kaggle-input /kaggle/input
# Every folder belongs to two layers at least. Of one that belongs to a single layer, ext4 and Btrfs keep some
# 10 KB for each descriptor that reads it, which no limit counts; of the others overlayfs keeps one list.
RUN find / -xdev -type d -not -path '/proc*' -not -path '/sys*' -not -path '/dev*' -exec touch -c {} +
CMD ["python", "-m", "sandbox.worker"]

FROM ${DEPS} AS extra-wheels
LABEL org.unlearn.stage=wheels
COPY requirements/image-extras.txt /extras.txt
COPY wheels /wheels
RUN /opt/venv/bin/python -m pip install --no-index --no-deps --require-hashes --no-cache-dir \
    --target /opt/extras --find-links /wheels -r /extras.txt \
 && rm -rf /opt/extras/bin /opt/extras/share \
 && find /opt/extras -name '*.so*' -type f -exec chmod a-x {} +

FROM ${DEPS} AS extras
# A third target, between the two: small libraries that entries import, in a layer of their own, so that
# a change of them does not repeat the 6 GB. It has its own lock file. Looking for fonts takes
# matplotlib half a second, so it is done here (`sandbox.worker.entry.year_2023` gives each run the result).
COPY --from=extra-wheels /opt/extras /opt/extras
RUN echo /opt/extras > /opt/venv/lib/python3.11/site-packages/extras.pth \
 && if [ -d /opt/extras/matplotlib ]; then \
    MPLCONFIGDIR=/opt/extras/matplotlib-cache /opt/venv/bin/python -c "import matplotlib.font_manager"; fi

FROM ${BASE} AS wheels
LABEL org.unlearn.stage=wheels
COPY requirements/image.txt /image.txt
COPY wheels /wheels
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-index --no-deps --require-hashes --no-cache-dir \
    --find-links /wheels -r /image.txt \
 && find /opt/venv -name '*.so*' -type f -exec chmod a-x {} +

FROM ${BASE} AS deps
COPY --from=wheels /opt/venv /opt/venv
# Nothing in the container may raise privileges, and entries expect the contest's folders:
# a run finds its own scratch folder behind them.
RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
 && mkdir -p /scratch /kaggle && ln -s /tmp /kaggle/tmp && ln -s /tmp /kaggle/working
