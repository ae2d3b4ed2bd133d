# casemate's shell integration for zsh: says where prompts, commands and results are.
# Assignments come before this text: __casemate_nonce and, if ZDOTDIR was set, __casemate_zdotdir.
#
# zsh reads this instead of the user's .zshenv, which follows; all other files it finds by itself.

if (( ${+__casemate_zdotdir} )); then
    ZDOTDIR=$__casemate_zdotdir
    unset __casemate_zdotdir
else
    unset ZDOTDIR
fi

if [[ -o interactive && -n $__casemate_nonce ]]; then
    typeset -g __casemate_id=";aid=$$;nonce=$__casemate_nonce" __casemate_ran=
    typeset -g __casemate_mark_b=$'%{\e]133;B'$__casemate_id$'\a%}'
    typeset -g __casemate_mark_p=$'%{\e]133;P;k=s'$__casemate_id$'\a%}'

    # Percent-encodes for a URL, byte by byte.
    __casemate_encode() {
        builtin emulate -L zsh -o extended_glob -o no_multibyte -o no_xtrace
        builtin local MATCH MBEGIN MEND
        REPLY=${1//(#m)[^A-Za-z0-9_.\/~-]/%${(l:2::0:)$(( [##16] #MATCH ))}}
    }

    # Before the other precmd functions: the command has ended.
    __casemate_first() {
        builtin local result=$?
        builtin emulate -L zsh -o no_xtrace
        __casemate_unmark
        if [[ -n $__casemate_ran ]]; then
            __casemate_ran=
            builtin print -rn -- $'\e]133;D;'$result$__casemate_id$'\a' 2>/dev/null >/dev/tty
        fi
    }

    # After the other precmd functions: what they made of the prompts gets its marks.
    __casemate_last() {
        builtin local percent= REPLY
        [[ -o prompt_percent ]] && percent=1
        builtin emulate -L zsh -o no_xtrace
        __casemate_unmark
        if [[ -n $percent ]]; then
            PS1=$PS1$__casemate_mark_b
            PS2=$__casemate_mark_p$PS2$__casemate_mark_b
        fi
        __casemate_encode "$PWD"
        builtin print -rn -- $'\e]7;file://'$HOST$REPLY$'\a\e]133;A'$__casemate_id$'\a' 2>/dev/null >/dev/tty
        __casemate_hook
    }

    # Between Enter and the command, after the other preexec functions.
    __casemate_preexec() {
        builtin emulate -L zsh -o no_xtrace
        builtin local REPLY text=
        __casemate_unmark
        __casemate_ran=1
        # Empty where the shell keeps no lines.
        if [[ -n $1 ]] && (( ${#1} <= 8192 )); then
            __casemate_encode "$1"
            text=";cmdline_url=$REPLY"
        fi
        builtin print -rn -- $'\e]133;C'$__casemate_id$text$'\a' 2>/dev/null >/dev/tty
    }

    # Takes the marks out of the prompts: while a command runs they are as the user has them.
    __casemate_unmark() {
        PS1=${PS1//"$__casemate_mark_b"}
        PS2=${${PS2//"$__casemate_mark_b"}//"$__casemate_mark_p"}
    }

    # The user's files come after this one, and may add functions at either end.
    __casemate_hook() {
        if [[ $precmd_functions[1] != __casemate_first || $precmd_functions[-1] != __casemate_last ]]; then
            typeset -ga precmd_functions
            precmd_functions=(__casemate_first ${precmd_functions:#__casemate_(first|last)} __casemate_last)
        fi
        if [[ $preexec_functions[-1] != __casemate_preexec ]]; then
            typeset -ga preexec_functions
            preexec_functions=(${preexec_functions:#__casemate_preexec} __casemate_preexec)
        fi
    }

    typeset -ga precmd_functions
    precmd_functions+=(__casemate_last)
fi

if [[ -r ${ZDOTDIR-$HOME}/.zshenv ]]; then
    source "${ZDOTDIR-$HOME}/.zshenv"
fi
