# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts Logstash at the position the database holds, and watches over it.

Logstash's own sequence files tell what was read, not what was delivered, and may be
empty after a power cut. So each start asks the database where each source stands and
writes the files anew: the processes may end at any moment, in any way, and nothing is
lost. This process stays Logstash's parent, since systemd takes only the main process's
exit status as a word not to start it again.
"""
