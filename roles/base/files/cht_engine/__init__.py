# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every sync engine needs: its two peers, the journal and systemd."""
