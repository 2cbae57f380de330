# SPDX-License-Identifier: MIT
# bash completion for accel

_accel() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]-} words=''

	compopt +o default
	if ((COMP_CWORD == 1)); then
		words='info compile run coredump help --version --help'
	else
		case $prev in
		-d | --device)
			words='sim drm:0'
			;;
		-c | --config)
			words='enpu-256 enpu-512 enpu-2048'
			;;
		-k | --top | -n | --repeat | --threshold | --same | --tiles | --mean | --std | --max-drop | \
			--samples | --verify-samples | --layer-samples | --percentile)
			return
			;;
		--layout)
			words='rgb bgr'
			;;
		--detector | --rnet | --onet | --landmarks | --embedder | --direction | --recognizer | --keys | -o | --output | -r | --report | -i | --image | -l | --labels | -b | --boxes | --save-input | --input-raw)
			compopt -o default
			return
			;;
		--ranges)
			words='mse minmax percentile kl'
			;;
		--rounding)
			words='adaround nearest'
			;;
		--output-raw | --calibrate | --verify)
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			return
			;;
		esac
	fi
	if [[ -z $words ]]; then
		case $command in
		info)
			words='--device --json --help'
			;;
		compile)
			words='--output --config --report --supported-ops --shape --value --json --verbose
				--calibrate --verify --max-drop --device --mean --std --layout
				--samples --verify-samples --layer-samples --ranges --percentile
				--rounding --int16 --int16-weights --int4 --equalize --no-bias-correction --help'
			;;
		run)
			case ${COMP_WORDS[2]-} in
			face)
				words='--compare --detector --rnet --onet --landmarks --embedder
					--threshold --same --tiles --boxes --device --config --json --help'
				;;
			ocr)
				words='--detector --direction --recognizer --keys --threshold --boxes
					--device --config --json --help'
				;;
			*)
				words='--image --labels --top --boxes --threshold --mean --std --layout
					--device --config --repeat --json --input-raw --save-input
					--output-raw --stream --help'
				;;
			esac
			if ((COMP_CWORD == 2)) && [[ $cur == f* || $cur == o* ]]; then
				compopt -o default
				mapfile -t COMPREPLY < <(compgen -W 'face ocr' -- "$cur")
				return
			fi
			;;
		coredump)
			words='--help'
			;;
		help)
			words='info compile run coredump help'
			;;
		esac
		if [[ $cur != -* && $command != help ]]; then
			compopt -o default
			return
		fi
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _accel accel
