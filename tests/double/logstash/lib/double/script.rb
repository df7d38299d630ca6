# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

module Double
  # The script of a `ruby { path => ... }` filter, in an object of its own.
  class Script
    # What the last script that raised said.
    attr_reader :raised

    def initialize(path, params = {})
      @context = Object.new
      @context.instance_eval(File.read(path, encoding: "UTF-8"), path, 1)
      unless @context.respond_to?(:filter)
        raise ScriptError, "Error during load of '#{path}': #<RuntimeError: Script does not define a filter! " \
                           "Please ensure that you have defined a filter method!>"
      end
      @context.register(params) if @context.respond_to?(:register)
    end

    # The events that go on. Where the script raises, its event does, as far as it got, with a tag.
    def run(event)
      @raised = nil
      @context.filter(event)
    rescue StandardError => e
      @raised = e
      event.tag("_rubyexception")
      [event]
    end
  end
end
