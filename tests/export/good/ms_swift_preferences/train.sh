#!/bin/sh
# Train on 4 rows with ms-swift: `sh train.sh`, run in this folder.
# A rank of 16 to 64 with alpha twice the rank, on every linear layer.
# Rows longer than max_length are dropped.
set -eu
cd "$(dirname "$0")"
# beta: how far the model may move from where it started. One pass at a small rate.
swift rlhf \
    --rlhf_type dpo \
    --beta 0.1 \
    --num_train_epochs 1 \
    --learning_rate 5e-6 \
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
