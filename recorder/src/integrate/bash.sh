# casemate's shell integration for bash 4.4 and later: says where prompts, commands and results are.
# Assignments come before this text: __casemate_nonce, __casemate_start, and what is to be put back.
#
# The functions stand before any file of the user is read, so that no alias of theirs gets into them.

if [[ $__casemate_start != rc ]]; then
    # Begun with --posix, the one way to be read by a login shell or one without rc file.
    set +o posix
    if [[ ${BASH_VERSINFO[0]} -gt 4 ]]; then shopt -u inherit_errexit; fi
    if [[ ${__casemate_env+x} ]]; then ENV=$__casemate_env; else unset ENV; fi
    if [[ ! ${__casemate_histfile+x} ]]; then HISTFILE=${HISTFILE%.sh_history}.bash_history; fi
    if [[ ! ${__casemate_mailcheck+x} ]]; then MAILCHECK=60; fi
    unset __casemate_env __casemate_histfile __casemate_mailcheck
fi

# Percent-encodes for a URL. To be run in a subshell: it changes the locale.
__casemate_encode() {
    LC_ALL=C
    builtin local "rest=$1" plain number hex encoded=
    while [[ $rest ]]; do
        plain=${rest%%[!A-Za-z0-9_./~-]*}
        encoded+=$plain
        rest=${rest:${#plain}}
        [[ $rest ]] || break
        builtin printf -v number %d "'${rest:0:1}"
        builtin printf -v hex '%%%02X' "$((number & 255))"
        encoded+=$hex
        rest=${rest:1}
    done
    builtin printf %s "$encoded"
}

# Before the other entries of PROMPT_COMMAND: the command has ended, and the prompts are as the user
# has them. Gives the status on to an entry in the same text.
__casemate_first() {
    builtin local - "status=$1" "errexit=$-"
    builtin set +aefuvx
    __casemate_unmark
    if [[ $__casemate_ran ]]; then
        __casemate_ran=
        builtin printf '\e]133;D;%s%s\a' "$status" "$__casemate_id" >/dev/tty
    fi
    [[ $__casemate_list || $errexit == *e* ]] || return "$status"
} 2>/dev/null

# After the other entries: what they made of the prompts gets its marks.
__casemate_last() {
    builtin local -
    builtin set +aefuvx
    __casemate_unmark
    # Between these readline counts no columns; nobody takes them out where lines are not edited.
    if [[ :$SHELLOPTS: == *:emacs:* || :$SHELLOPTS: == *:vi:* ]]; then
        __casemate_b=$'\001'$__casemate_end$'\002' __casemate_p=$'\001'$__casemate_more$'\002'
    else
        __casemate_b=$__casemate_end __casemate_p=$__casemate_more
    fi
    # Expansion in prompts can be switched off; the marks need it.
    if builtin shopt -q promptvars; then
        [[ ${PS1+x} ]] && PS1=$PS1$__casemate_mark_b
        [[ ${PS2+x} ]] && PS2=$__casemate_mark_p$PS2$__casemate_mark_b
        PS0=${PS0-}$__casemate_mark_c
    fi
    # The number that the next command will have in the history.
    __casemate_number=${HISTCMD-}
    if [[ $PWD != "$__casemate_pwd" ]]; then
        __casemate_pwd=$PWD
        case $PWD in
            *[!A-Za-z0-9_./~-]*) __casemate_url=$(__casemate_encode "$PWD") ;;
            *) __casemate_url=$PWD ;;
        esac
    fi
    builtin printf '\e]7;file://%s%s\a\e]133;A%s\a' "$HOSTNAME" "$__casemate_url" "$__casemate_id" >/dev/tty
    __casemate_hook
} 2>/dev/null

# Takes the marks out of the prompts, wherever they have got to.
__casemate_unmark() {
    [[ ${PS1+x} ]] && PS1=${PS1//"$__casemate_mark_b"/}
    [[ ${PS2+x} ]] && PS2=${PS2//"$__casemate_mark_b"/} && PS2=${PS2//"$__casemate_mark_p"/}
    [[ ${PS0+x} ]] && PS0=${PS0//"$__casemate_mark_c"/}
    # It was not set, and an empty one would be no different but for that.
    [[ ${PS0-x} ]] || builtin unset PS0
}

# Between Enter and the command, in a subshell.
__casemate_preexec() {
    builtin set +aefuvx
    builtin local HISTTIMEFORMAT= entry text=
    entry=$(builtin history 1)
    # The text is known if just one entry was added. Otherwise it was not kept: a duplicate, or a
    # leading blank. Longer ones would take too long.
    if [[ $entry =~ ^\ *([0-9]+)[*\ ]\ (.*)$ && ${BASH_REMATCH[1]} == "$__casemate_number" &&
        ${#BASH_REMATCH[2]} -le 8192 ]]; then
        text=";cmdline_url=$(__casemate_encode "${BASH_REMATCH[2]}")"
    fi
    builtin printf '\e]133;C%s%s\a' "$__casemate_id" "$text"
} 2>/dev/null

# Puts the hooks around what is in PROMPT_COMMAND.
__casemate_hook() {
    # A list keeps the entries apart, and each finds the status and PIPESTATUS of the command. It
    # cannot be exported; then, and before bash 5.1, there is one text, whose entries find the status.
    if [[ $__casemate_list ]]; then
        [[ ${PROMPT_COMMAND[0]-} == "$__casemate_entry" && ${PROMPT_COMMAND[-1]-} == __casemate_last ]] && return
        builtin local entry entries
        entries=()
        for entry in ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"}; do
            [[ $entry == "$__casemate_entry" || $entry == __casemate_last ]] || entries+=("$entry")
        done
        PROMPT_COMMAND=("$__casemate_entry" ${entries[@]+"${entries[@]}"} __casemate_last)
        return
    fi
    [[ $PROMPT_COMMAND == "$__casemate_before"*"$__casemate_after" ]] && return
    PROMPT_COMMAND=${PROMPT_COMMAND//"$__casemate_before"/}
    PROMPT_COMMAND=${PROMPT_COMMAND//"$__casemate_after"/}
    PROMPT_COMMAND=$__casemate_before$PROMPT_COMMAND$__casemate_after
}

__casemate_install() {
    builtin local -
    builtin set +aefuvx
    # What cannot be changed is not to be fought over at every prompt.
    [[ ${PROMPT_COMMAND@a}${PS0@a}${PS1@a}${PS2@a} == *r* ]] && return
    __casemate_id=";aid=$$;nonce=$__casemate_nonce"
    __casemate_ran= __casemate_pwd= __casemate_url= __casemate_list=
    __casemate_end=$'\e]133;B'$__casemate_id$'\a'
    __casemate_more=$'\e]133;P;k=s'$__casemate_id$'\a'
    # By variables that are not exported: a child that inherits the prompts prints no marks.
    __casemate_mark_b='${__casemate_b-}'
    __casemate_mark_p='${__casemate_p-}'
    __casemate_mark_c='${__casemate_b:+${__casemate_b:$((__casemate_ran=1)):0}$(__casemate_preexec)}'
    __casemate_entry='__casemate_first "$?"'
    # In a child that inherits the text these leave the status as it is.
    __casemate_before='__casemate_s=$?; if [[ ${__casemate_b-} ]]; then __casemate_first "$__casemate_s"; '
    __casemate_before+=$'elif [[ $- != *e* ]]; then (exit "$__casemate_s"); fi\n'
    __casemate_after=$'\nif [[ ${__casemate_b-} ]]; then __casemate_last; fi'
    __casemate_b=$__casemate_end
    if [[ ${BASH_VERSINFO[0]} -gt 5 || ${BASH_VERSINFO[0]} -eq 5 && ${BASH_VERSINFO[1]} -ge 1 ]]; then
        [[ ${PROMPT_COMMAND@a} == *x* ]] || __casemate_list=1
    fi
    __casemate_hook
} 2>/dev/null

# Behind the user's files, in one command: a DEBUG trap of theirs is called for each. Gives the status
# that they left, which their first prompt may show.
__casemate_leave() {
    builtin local "status=$1"
    if [[ $__casemate_nonce && $- == *i* ]] &&
        [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
        __casemate_install
    fi
    builtin unset __casemate_file __casemate_start __casemate_rc
    builtin unset -f __casemate_leave __casemate_install
    [[ $- == *e* ]] || return "$status"
}

__casemate_file=
case $__casemate_start in
    rc)
        # Without a slash it would be looked for in PATH.
        case $__casemate_rc in
            */*) __casemate_file=$__casemate_rc ;;
            *) __casemate_file=./$__casemate_rc ;;
        esac
        ;;
    login)
        # As bash does it: the system's file, then the first of these that there is.
        if [[ -r /etc/profile ]]; then . /etc/profile; fi
        for __casemate_file in ~/.bash_profile ~/.bash_login ~/.profile ''; do
            if [[ -f $__casemate_file && -r $__casemate_file ]]; then break; fi
        done
        ;;
esac
if [[ $__casemate_file && -e $__casemate_file ]]; then
    . "$__casemate_file"
fi
__casemate_leave "$?"
