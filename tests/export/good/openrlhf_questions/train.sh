#!/bin/sh
# Train on 2 rows with OpenRLHF: `sh train.sh`, run in this folder.
# A rank of 16 to 64 with alpha twice the rank, on every linear layer.
# Longer rows are cut; for SFT and DPO, rows whose prompt alone fills max_len are dropped.
# Needs: pip install "datasets>=4.7"
set -eu
cd "$(dirname "$0")"
# Eight answers to each question are compared; one that all solve, or none, teaches nothing.
# RL with LoRA wants about a twentieth of the rate of fine-tuning. Needs: pip install tamis
# Training and generation take turns on the GPUS of this machine: `GPUS=8 sh train.sh`.
GPUS="${GPUS:-1}"
python -m openrlhf.cli.train_ppo_ray \
    --train.colocate_all \
    --actor.num_gpus_per_node "$GPUS" \
    --ref.num_gpus_per_node "$GPUS" \
    --vllm.num_engines "$GPUS" \
    --vllm.enable_sleep \
    --ds.enable_sleep \
    --rollout.batch_size 32 \
    --train.batch_size 256 \
    --data.prompt_dataset data/train.parquet \
    --data.input_key prompt \
    --data.label_key label \
    --data.apply_chat_template \
    --reward.remote_url "$PWD/reward.py" \
    --actor.model_name_or_path base-model \
    --actor.adam.lr 1e-5 \
    --algo.advantage.estimator group_norm \
    --rollout.n_samples_per_prompt 8 \
    --rollout.max_new_tokens 2048 \
    --train.num_episodes 1 \
    --data.max_len 4096 \
    --ds.lora.rank 32 \
    --ds.lora.alpha 64 \
    --ckpt.output_dir model
