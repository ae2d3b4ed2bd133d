# casemate's shell integration for fish: says where prompts, commands and results are.
# fish runs this after all of its configuration. __casemate_nonce is set before this text.

if status is-interactive; and test -n "$__casemate_nonce"
    set -g __casemate_id ";aid=$fish_pid;nonce=$__casemate_nonce"
    set -g __casemate_ran 0

    # Draws the user's prompt and a mark behind it. It stands in for theirs only while a line is edited.
    function __casemate_prompt
        set -l prompt (__casemate_theirs | string collect)
        printf '%s\e]133;B%s\a' "$prompt" $__casemate_id
    end

    function __casemate_swap_in
        # From version 4 on fish marks the end of the prompt itself.
        string match -qr '^[0-3]\.' -- $version; or return
        functions -q __casemate_theirs; and return
        functions -q fish_prompt; or return
        functions -c fish_prompt __casemate_theirs
        functions -e fish_prompt
        functions -c __casemate_prompt fish_prompt
    end

    function __casemate_swap_out
        functions -q __casemate_theirs; or return
        # Unless they made a new one meanwhile.
        if functions fish_prompt | string match -q '*__casemate_theirs*'
            functions -e fish_prompt
            functions -c __casemate_theirs fish_prompt
        end
        functions -e __casemate_theirs
    end

    function __casemate_on_prompt --on-event fish_prompt
        set -l url (string escape --style=url -- $PWD)
        printf '\e]7;file://%s%s\a\e]133;A%s\a' $hostname "$url" $__casemate_id 2>/dev/null >/dev/tty
        __casemate_swap_in
    end

    function __casemate_on_preexec --on-event fish_preexec
        __casemate_swap_out
        set -g __casemate_ran 1
        set -l text
        if test -n "$argv[1]"; and test (string length -- "$argv[1]") -le 8192
            set text ";cmdline_url="(string escape --style=url -- "$argv[1]")
        end
        printf '\e]133;C%s%s\a' $__casemate_id "$text" 2>/dev/null >/dev/tty
    end

    function __casemate_on_postexec --on-event fish_postexec
        set -l result $status
        if test $__casemate_ran = 1
            set -g __casemate_ran 0
            printf '\e]133;D;%s%s\a' $result $__casemate_id 2>/dev/null >/dev/tty
        end
    end
end
