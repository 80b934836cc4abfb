# Sourced by scripts that get packages of any Debian suite. It uses the mirror of this machine with lists of its own, so
# the system's lists and sources are neither changed nor needed to be fresh.

# Sets the array `private`: apt's options for a suite.
#
#   private_apt KIND SUITE WORK [ARCHITECTURE]      KIND: deb or deb-src; WORK: a folder for lists and packages
#
# With an architecture, nothing counts as installed, so apt gets a package with all that it needs.
private_apt() {
    local kind=$1 suite=$2 work=$3 architecture=${4:-} mirror signed="" keyring
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    command -v apt-get >/dev/null || fail "this is not a Debian machine"
    mirror=$(_mirror)
    [ -n "$mirror" ] || fail "no Debian mirror in the apt sources of this machine"
    # The user that apt downloads as must be able to write here.
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    chmod 755 "$work"
    [ -r "$keyring" ] && signed="[signed-by=$keyring] "
    printf '%s %s%s %s main\n' "$kind" "$signed" "${mirror%/}" "$suite" >"$work/sources.list"
    private=(
        -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -q
    )
    if [ -n "$architecture" ]; then
        : >"$work/status"
        private+=(
            -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
            -o "Dir::State::status=$work/status"
        )
    fi
    apt-get "${private[@]}" update >"$work/log" 2>&1 ||
        fail "the mirror has no lists of $suite:" "$(tail -n 2 "$work/log")"
}

# Prints where the system gets Debian's main packages from, in either form of its sources.
_mirror() {
    local found
    found=$(apt-get indextargets --format '$(SITE) $(ORIGIN) $(COMPONENT) $(SUITE)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 == "Debian" && $3 == "main" && $4 !~ /security|updates|backports/ { print $1; exit }' || true)
    if [ -z "$found" ]; then # without lists apt does not know the origin: read the sources themselves
        found=$(
            {
                awk 'tolower($1) == "uris:" { for (i = 2; i <= NF; i++) print $i }' \
                    /etc/apt/sources.list.d/*.sources 2>/dev/null
                sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\).*/\3/p' \
                    /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
            } | grep -E '/debian/?$' | head -n 1 || true
        )
    fi
    printf '%s\n' "$found"
}
