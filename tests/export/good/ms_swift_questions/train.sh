#!/bin/sh
# Train on 2 rows with ms-swift: `sh train.sh`, run in this folder.
# A rank of 16 to 64 with alpha twice the rank, on every linear layer.
# Rows longer than max_length are dropped.
set -eu
cd "$(dirname "$0")"
# Eight answers to each question are compared; one that all solve, or none, teaches nothing.
# RL with LoRA wants about a twentieth of the rate of fine-tuning. Needs: pip install tamis
swift rlhf \
    --rlhf_type grpo \
    --num_generations 8 \
    --max_completion_length 2048 \
    --external_plugins reward.py \
    --reward_funcs tamis \
    --num_train_epochs 1 \
    --learning_rate 1e-5 \
    --per_device_train_batch_size 8 \
    --gradient_accumulation_steps 4 \
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
