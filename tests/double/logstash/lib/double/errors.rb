# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

module Double
  # A configuration that Logstash refuses; `kind` is the exception it names.
  class Refused < StandardError
    attr_reader :kind

    def initialize(message, kind = "ConfigurationError")
      @kind = kind
      super(message)
    end
  end

  # Ends the process with a status, after a last line.
  class Ended < StandardError
    attr_reader :status

    def initialize(status)
      @status = status
      super("exit #{status}")
    end
  end
end
