"""What requests may ask and what replies look like, one subject a module.

Input is validated by strict serializers. Replies are built by the ``…_reply`` functions, whose shape the
other serializers describe for the OpenAPI document; a test holds replies to it.
"""
