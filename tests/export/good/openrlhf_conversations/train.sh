#!/bin/sh
# Train on 5 rows with OpenRLHF: `sh train.sh`, run in this folder.
# A rank of 16 to 64 with alpha twice the rank, on every linear layer.
# Longer rows are cut; for SFT and DPO, rows whose prompt alone fills max_len are dropped.
# Needs: pip install "datasets>=4.7"
set -eu
cd "$(dirname "$0")"
# Two to three passes; more passes over a small set are learned by heart.
# LoRA wants a rate of 1e-4 to 2e-4, about ten times what full fine-tuning takes.
deepspeed --module openrlhf.cli.train_sft \
    --data.dataset data/train.parquet \
    --data.input_key messages \
    --data.multiturn \
    --data.apply_chat_template \
    --model.model_name_or_path base-model \
    --train.max_epochs 2 \
    --adam.lr 2e-4 \
    --train.batch_size 16 \
    --train.micro_batch_size 2 \
    --data.max_len 2048 \
    --ds.lora.rank 32 \
    --ds.lora.alpha 64 \
    --ckpt.output_dir model
