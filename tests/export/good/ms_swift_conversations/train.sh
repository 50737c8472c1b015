#!/bin/sh
# Train on 5 rows with ms-swift: `sh train.sh`, run in this folder.
# A rank of 16 to 64 with alpha twice the rank, on every linear layer.
# Rows longer than max_length are dropped.
set -eu
cd "$(dirname "$0")"
# Two to three passes; more passes over a small set are learned by heart.
# LoRA wants a rate of 1e-4 to 2e-4, about ten times what full fine-tuning takes.
swift sft \
    --num_train_epochs 2 \
    --learning_rate 2e-4 \
    --per_device_train_batch_size 2 \
    --gradient_accumulation_steps 8 \
    --model base-model \
    --dataset data/train.jsonl \
    --tuner_type lora \
    --lora_rank 32 \
    --lora_alpha 64 \
    --target_modules all-linear \
    --max_length 2048 \
    --torch_dtype bfloat16 \
    --logging_steps 1 \
    --output_dir model
