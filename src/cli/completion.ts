import { CliError } from "./exit-codes.ts";

/** The script that a shell loads for completion: it asks `slipway __complete` for every word. Throws CliError for another shell. */
export function completionScript(shell: string): string {
  switch (shell) {
    case "bash":
      return BASH;
    case "zsh":
      return ZSH;
    case "fish":
      return FISH;
    default:
      throw new CliError("misused", `there is no completion for "${shell.slice(0, 40)}"; there is bash, zsh and fish`);
  }
}

// A word may hold "/", which is part of it, and "=", which bash divides at; answers come one a line, and nothing is evaluated.
const BASH = `# bash completion of slipway; load it with: source <(slipway completion bash)
_slipway() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}") line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(slipway __complete -- "\${words[@]}" 2>/dev/null)
  if [ "\${COMPREPLY[0]-}" = ":files" ]; then
    COMPREPLY=()
    compopt -o default 2>/dev/null
  fi
}
complete -F _slipway slipway
`;

const ZSH = `#compdef slipway
# zsh completion of slipway; load it with: source <(slipway completion zsh)
_slipway() {
  local -a answers
  answers=("\${(@f)$(slipway __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${answers[1]}" == ":files" ]]; then
    _files
  else
    compadd -- "\${(@)answers}"
  fi
}
compdef _slipway slipway
`;

const FISH = `# fish completion of slipway; load it with: slipway completion fish | source
function __slipway_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answers (slipway __complete -- $words[2..-1] 2>/dev/null)
  if test "$answers[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $answers
  end
end
complete -c slipway -f -a '(__slipway_complete)'
`;
