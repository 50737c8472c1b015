#!/bin/sh
# Train on 4 rows with OpenRLHF: `sh train.sh`, run in this folder.
# A rank of 16 to 64 with alpha twice the rank, on every linear layer.
# Longer rows are cut; for SFT and DPO, rows whose prompt alone fills max_len are dropped.
# Needs: pip install "datasets>=4.7"
set -eu
cd "$(dirname "$0")"
# beta: how far the model may move from where it started. One pass at a small rate.
deepspeed --module openrlhf.cli.train_dpo \
    --data.dataset data/train.parquet \
    --data.prompt_key prompt \
    --data.chosen_key chosen \
    --data.rejected_key rejected \
    --data.apply_chat_template \
    --model.model_name_or_path base-model \
    --model.beta 0.1 \
    --train.max_epochs 1 \
    --adam.lr 5e-6 \
    --train.batch_size 16 \
    --train.micro_batch_size 2 \
    --data.max_len 2048 \
    --ds.lora.rank 32 \
    --ds.lora.alpha 64 \
    --ckpt.output_dir model
