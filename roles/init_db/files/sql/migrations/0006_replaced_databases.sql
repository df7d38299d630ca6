-- SPDX-FileCopyrightText: cht.sync contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- When a claim last found another database under the name of the source, and what the identity was before.
ALTER TABLE v1.source ADD COLUMN replaced_at timestamptz, ADD COLUMN replaced_identity text;
